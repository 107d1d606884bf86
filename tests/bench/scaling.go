// SPDX-License-Identifier: MIT

// What scaling.c does, with goroutines: scaling waves|churn N WAVES|ENDS SECONDS.
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

// startAll starts n goroutines that count themselves in asleep, and returns once all have.
func startAll(n int, asleep *atomic.Int64, sleeper func()) {
	for i := 0; i < n; i++ {
		go sleeper()
		for i%chunk == chunk-1 && asleep.Load() <= int64(i) {
			runtime.Gosched()
		}
	}
	for asleep.Load() < int64(n) {
		runtime.Gosched()
	}
}

// wave lets n goroutines sleep at once. It returns the CPU time it took.
func wave(n int, sleep time.Duration) int64 {
	var asleep, awake atomic.Int64
	var ended sync.WaitGroup
	ended.Add(n)
	begin := cpu()
	startAll(n, &asleep, func() {
		if awake.Load() > 0 {
			panic("one ended before all were asleep: more seconds are wanted")
		}
		asleep.Add(1)
		time.Sleep(sleep)
		awake.Add(1)
		ended.Done()
	})
	ended.Wait()
	return cpu() - begin
}

// churn keeps n goroutines; each that ends starts the next. It returns the CPU time of so many ends.
func churn(n int, ends int64, nap time.Duration) int64 {
	const golden = 0x9e3779b9 // of 2^32
	var asleep, ended atomic.Int64
	var phase atomic.Uint32
	var begin int64
	took := make(chan int64)
	var sleeper func()
	sleeper = func() {
		asleep.Add(1)
		time.Sleep(time.Duration(float64(phase.Add(golden)) / (1 << 32) * float64(nap)))
		switch ended.Add(1) {
		case ends / 4:
			begin = cpu()
		case ends/4 + ends:
			took <- cpu() - begin
		}
		go sleeper()
	}
	startAll(n, &asleep, sleeper)
	return <-took
}

func main() {
	n, _ := strconv.Atoi(os.Args[2])
	times, _ := strconv.Atoi(os.Args[3])
	seconds, _ := strconv.ParseFloat(os.Args[4], 64)
	sleep := time.Duration(seconds * 1e9)
	total, tasks := int64(0), n*times
	if os.Args[1] == "churn" {
		total, tasks = churn(n, int64(times), sleep), times
	} else {
		wave(n, sleep)
		for i := 0; i < times; i++ {
			total += wave(n, sleep)
		}
	}
	fmt.Printf("{\"cpu_ns\": %f}\n", float64(total)/float64(tasks))
}
