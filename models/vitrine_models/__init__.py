"""Makes, measures and runs Vitrine's feature extractors ("bundles").

A bundle is one TorchScript file: uint8 [N, 256, 256, 3] RGB in, raw float32 [N, dim] out, and a
card (card.json in its extra files) that tells how pictures are resized and what the numbers are.
"""
