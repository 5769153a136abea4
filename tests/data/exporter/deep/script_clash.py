import twin
