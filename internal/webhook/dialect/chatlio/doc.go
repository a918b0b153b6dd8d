// Package chatlio is the dialect of the chat webhooks: five calls, each with an address of its own, for receivers that were
// written for the document with the samples of them (S-122 to S-171). Its bodies have the keys of those samples in their order, and
// no null anywhere: what is not known is "".
//
// A chat of that document is one of our conversations. The five addresses of a widget are endpoints of this dialect; which of them
// hears what is their subscription, so that nothing here knows of addresses.
package chatlio
