"""[I/O] Where bars come from: files, folders, frames, databases, the store, a download."""
