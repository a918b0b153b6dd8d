package thumb

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

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
