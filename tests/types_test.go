package tests

// The type tokens that tests look for.
