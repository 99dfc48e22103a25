"""Animation judged: drivers that are rendered with known actions and pose, put onto other heads and onto their own."""
