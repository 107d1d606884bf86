// SPDX-License-Identifier: MIT

// What million.c does, with goroutines: million TASKS SECONDS SPREAD.
package main

import (
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const chunk = 1000 // the spawner yields after so many

func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, _ := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	seconds, _ := strconv.ParseFloat(os.Args[2], 64)
	spread, _ := strconv.ParseFloat(os.Args[3], 64)
	late := make([]int64, n)
	for i := range late {
		late[i] = 1 // its pages are ours, not the goroutines'
	}
	gap := spread * 1e9 / float64(n)
	var asleep atomic.Int64
	var ended sync.WaitGroup
	ended.Add(n)
	before := residentBytes()
	begin := time.Now()
	firstDue := begin.Add(time.Duration(seconds * 1e9))
	for i := 0; i < n; i++ {
		go func(i int) {
			due := firstDue.Add(time.Duration(float64(i) * gap))
			asleep.Add(1)
			time.Sleep(time.Until(due))
			late[i] = int64(time.Since(due))
			ended.Done()
		}(i)
		for i%chunk == chunk-1 && asleep.Load() <= int64(i) {
			runtime.Gosched()
		}
	}
	for asleep.Load() < int64(n) {
		runtime.Gosched()
	}
	allAsleep := time.Now()
	bytes := float64(residentBytes()-before) / float64(n)
	ended.Wait()
	sort.Slice(late, func(a, b int) bool { return late[a] < late[b] })
	fmt.Printf("{\"bytes\": %f, \"start_rate\": %f, \"spare_s\": %f, \"late_p50_ns\": %d, \"late_p99_ns\": %d, \"late_max_ns\": %d}\n",
		bytes, float64(n)/allAsleep.Sub(begin).Seconds(), firstDue.Sub(allAsleep).Seconds(), late[(n-1)/2],
		late[(n*99-1)/100], late[n-1])
}
