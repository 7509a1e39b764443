"""How the documentation is built: `make docs`.  Offline; every name that it refers to must exist."""

import kolben

project = "Kolben"
author = "the Kolben authors"
copyright = "2026, the Kolben authors"
release = version = kolben.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True
autodoc_typehints = "description"

html_theme = "furo"
html_title = f"Kolben {release}"
