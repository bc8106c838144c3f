"""The page's sections in its order: each module has `html(report)`, the section as markup."""
