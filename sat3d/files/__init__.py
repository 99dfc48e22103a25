"""Reading and writing files so that nothing is lost, and every failure is said in words."""
