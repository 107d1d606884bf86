// SPDX-License-Identifier: MIT

// What spawn.c does, with goroutines: spawn TASKS BATCH. On one core a batch runs when the spawner yields.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
)

func spawn(n, batch int) {
	var ended atomic.Int64
	for started := 0; started < n; {
		for i := 0; i < batch; i++ {
			go func() { ended.Add(1) }()
		}
		started += batch
		for ended.Load() < int64(started) {
			runtime.Gosched()
		}
	}
}

func main() {
	n, _ := strconv.Atoi(os.Args[1])
	batch, _ := strconv.Atoi(os.Args[2])
	spawn(10*batch, batch)
	begin := time.Now()
	spawn(n, batch)
	fmt.Printf("{\"per_second\": %f}\n", float64(n)/time.Since(begin).Seconds())
}
