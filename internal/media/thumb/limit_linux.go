package thumb

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// offerProcess makes this process the one that the kernel ends first when the machine's memory is used up: rather one small picture
// than the server. Where that is not allowed, nothing is lost.
func offerProcess() { _ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0) }

// limitProcess lets the process's address space grow by space bytes more, and lets the kernel end it when it has used cpu time.
func limitProcess(space uint64, cpu time.Duration) error {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return err
	}
	var pages uint64
	if _, err := fmt.Sscan(string(b), &pages); err != nil {
		return err
	}
	most := pages*uint64(os.Getpagesize()) + space
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		return err
	}
	seconds := uint64(2 * cpu / time.Second) // on two cores
	return syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds})
}
