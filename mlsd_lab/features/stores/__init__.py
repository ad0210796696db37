"""Online stores: one arithmetic over rows of bytes, and the places where these lie."""
