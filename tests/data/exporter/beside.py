def run(): import beside_late
