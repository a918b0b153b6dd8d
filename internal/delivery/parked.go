package delivery

import "container/heap"

// parkedHeap holds the lanes that wait for a retry, the next one first.
type parkedHeap []*lane

func (h *parkedHeap) push(l *lane) { heap.Push((*byDue)(h), l) }
func (h *parkedHeap) pop() *lane   { return heap.Pop((*byDue)(h)).(*lane) }

type byDue []*lane

func (h byDue) Len() int           { return len(h) }
func (h byDue) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h byDue) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *byDue) Push(x any)        { *h = append(*h, x.(*lane)) }
func (h *byDue) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}
