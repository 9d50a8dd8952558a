{ a.z = 1; a = rec { x = z; }; }
