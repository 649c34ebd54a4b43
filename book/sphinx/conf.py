"""Sphinx alone: this book. Written by scripts/sphinx_conf.py from _config.yml."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "_ext"))

project = "How networks add modulo n"
add_module_names = False
author = "the contributors"
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_mock_imports = ["triton"]
autodoc_preserve_defaults = True
autodoc_typehints = "none"
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "plain"
bibtex_reference_style = "author_year"
copyright = ""
exclude_patterns = [
    "**.ipynb_checkpoints",
    ".*",
    ".DS_Store",
    "Thumbs.db",
    "_build",
    "benchmarks",
    "modlib",
    "results",
    "tests",
]
extensions = [
    "sphinx_togglebutton",
    "sphinx_copybutton",
    "myst_nb",
    "sphinx_external_toc",
    "sphinx_design",
    "sphinx_book_theme",
    "sphinx.ext.autodoc",
    "sphinxcontrib.bibtex",
    "modlib_book",
    "modlib_live",
]
external_toc_exclude_missing = True
html_baseurl = ""
html_context = {"default_mode": "auto"}
html_css_files = ["modlib.css"]
html_favicon = "assets/favicon.svg"
html_js_files = ["modlib.js"]
html_show_sphinx = False
html_sourcelink_suffix = ""
html_static_path = ["assets"]
html_theme = "sphinx_book_theme"
html_theme_options = {
    "home_page_in_toc": True,
    "search_bar_text": "Search this book",
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_fullscreen_button": False,
}
html_title = "How networks add modulo n"
mathjax3_config = {"options": {"enableMenu": False}}
mathjax_path = "mathjax/tex-chtml.js"
myst_enable_extensions = [
    "amsmath",
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
    "substitution",
]
myst_url_schemes = ["mailto", "http", "https"]
nb_execution_allow_errors = False
nb_execution_cache_path = ""
nb_execution_excludepatterns = []
nb_execution_in_temp = False
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 600
nb_ipywidgets_js = {}
nb_kernel_rgx_aliases = {".*": "python3"}
nb_mime_priority_overrides = []
nb_output_stderr = "remove"
nb_render_markdown_format = "myst"
nitpick_ignore_regex = [["py:.*", "(?!modlib).*"]]
nitpicky = True
numfig = True
pygments_style = "sphinx"
suppress_warnings = ["myst.domains"]
