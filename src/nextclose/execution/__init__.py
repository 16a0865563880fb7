"""[shell] Who carries out the tasks of a study, and the memory of what was done."""
