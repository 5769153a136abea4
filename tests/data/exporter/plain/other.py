from . import module_in_plain

thing = 4
