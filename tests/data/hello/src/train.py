import src.util
print(1)
