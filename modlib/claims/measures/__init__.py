"""How each claim is measured: a file a chapter, a function a claim."""
