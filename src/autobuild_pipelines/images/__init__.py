"""Image files: finding them in folders and reading them."""

from autobuild_pipelines.images.files import SUFFIXES, ImageError, image_files, images_below, read_image

__all__ = ["SUFFIXES", "ImageError", "image_files", "images_below", "read_image"]
