"""What a webcam does to a scene, in the order light passes: occlusion, optics, exposure, chip, codec."""

from .camera import WEBCAM, Camera, shoot

__all__ = ["WEBCAM", "Camera", "shoot"]
