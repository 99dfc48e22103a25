"""Small networks that come with the package, and how their files are read and written."""
