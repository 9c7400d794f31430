"""Safety at work: lines to controllers, stops that outlive a crash, and the gate over both."""
