"""The rooms, one per kind of annotation: a new kind is one file here, one template, one line in the registry."""
