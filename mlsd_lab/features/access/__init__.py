"""Who may read which features: denied unless granted, and written down."""
