"""The version, apart from the package's face, which looks at all floors."""

VERSION = "0.1.0"
