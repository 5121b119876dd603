"""The error of this package."""


class DiffusionError(ValueError):
    """A U-Net cannot be fine-tuned or sampled from as the settings ask; the message names what is wrong."""


def missing_diffusers(error: ImportError) -> DiffusionError:
    """What to say where diffusers cannot be imported."""
    return DiffusionError(
        f"diffusion needs the package diffusers, which cannot be imported ({error}): pip install "
        "'autobuild-pipelines[diffusion]'"
    )
