import twin


class Clash:
    def __init__(self, value=twin.VALUE):
        self.value = value
