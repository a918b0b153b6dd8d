// Package onsite knows who is on a widget's site now, where the widget shows that, and takes messages to visitors who have not written yet.
package onsite
