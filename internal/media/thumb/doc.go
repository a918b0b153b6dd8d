// Package thumb makes small pictures of images that strangers send.
//
// Invariants
//   - Nothing is decoded whose header names more pixels than MaxPixels, whatever the file's size, or so many that its decoder would need
//     too much memory for the way in which they are written (Check).
//   - What comes out was drawn anew: it holds no byte of the original, so no metadata, no place, no second file inside.
//   - In a server the work is done by a child process (Child, Serve) that has no secrets, ends itself when it needs too much
//     memory or time, and whose death is one failed thumbnail.
//
// It imports nothing of this module.
package thumb
