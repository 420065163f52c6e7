"""What tests of several rooms use beside the fakes."""
