import beside
import json, beside_too
from plain import module_in_plain
from plain.other import thing

beside.run()
