// SPDX-License-Identifier: MIT

// What scaling.c does, with goroutines: scaling IN_FLIGHT WAVES SECONDS.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const chunk = 1000 // the spawner yields after so many

func cpu() int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// wave lets n goroutines sleep at once. It returns the CPU time it took.
func wave(n int, sleep time.Duration) int64 {
	var asleep, awake atomic.Int64
	var ended sync.WaitGroup
	ended.Add(n)
	begin := cpu()
	for i := 0; i < n; i++ {
		go func() {
			if awake.Load() > 0 {
				panic("one ended before all were asleep: more seconds are wanted")
			}
			asleep.Add(1)
			time.Sleep(sleep)
			awake.Add(1)
			ended.Done()
		}()
		for i%chunk == chunk-1 && asleep.Load() <= int64(i) {
			runtime.Gosched()
		}
	}
	ended.Wait()
	return cpu() - begin
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	waves, _ := strconv.Atoi(os.Args[2])
	seconds, _ := strconv.ParseFloat(os.Args[3], 64)
	sleep := time.Duration(seconds * 1e9)
	wave(n, sleep)
	total := int64(0)
	for i := 0; i < waves; i++ {
		total += wave(n, sleep)
	}
	fmt.Printf("{\"cpu_ns\": %f}\n", float64(total)/float64(n*waves))
}
