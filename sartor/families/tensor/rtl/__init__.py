"""The hardware of family `tensor`, in Amaranth."""

# Python that decides it beside the parameters of a core: what is made of it is kept by their content (version.code).
SOURCES = ("families/tensor", "rtl", "formats/decode.py", "formats/element.py", "formats/group_scale.py")
