"""The page that shows and steers everything: static files without any data; what they show they ask of the API.

`control.http` serves them: `index.html` at `/`, every one by its name below `/page/`. Charts are drawn by what the
report's page draws them with. There is no build step: browsers get the files as they are here.
"""

from tfx_rollout.control.page.files import POLICY, PageFile, page_files

__all__ = ["POLICY", "PageFile", "page_files"]
