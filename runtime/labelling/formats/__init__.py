"""The data sets that labelling writes, one file each; what reads them again is in `datasets/`."""
