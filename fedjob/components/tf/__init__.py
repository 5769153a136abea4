"""What only TensorFlow has; it is imported when it is used."""
