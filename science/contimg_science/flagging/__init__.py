"""Parts of step `flag`: one detector or one piece of bookkeeping a file. They work on a Cube and never on tables, except visibility_cube."""
