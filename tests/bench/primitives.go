// SPDX-License-Identifier: MIT

// What primitives.c does, with goroutines: primitives FIGURE N. Go has no offload: its run time does that unasked.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

const takers, permits, capacity = 16, 4, 128

func semaphore(n int) {
	free := make(chan struct{}, permits)
	var ended sync.WaitGroup
	ended.Add(takers)
	for t := 0; t < takers; t++ {
		go func() {
			for i := 0; i < n/takers; i++ {
				free <- struct{}{}
				runtime.Gosched()
				<-free
			}
			ended.Done()
		}()
	}
	ended.Wait()
}

func group3(n int) {
	for i := 0; i < n; i++ {
		var group sync.WaitGroup
		group.Add(3)
		go group.Done()
		go group.Done()
		go group.Done()
		group.Wait()
	}
}

func channel(n int) {
	items, ended := make(chan int, capacity), make(chan struct{})
	go func() {
		for i := 0; i < n; i++ {
			if <-items != i {
				panic("out of order")
			}
		}
		close(ended)
	}()
	for i := 0; i < n; i++ {
		items <- i
	}
	<-ended
}

func main() {
	work := map[string]func(int){"semaphore": semaphore, "group3": group3, "channel": channel}[os.Args[1]]
	n, _ := strconv.Atoi(os.Args[2])
	work(n / 10)
	begin := time.Now()
	work(n)
	fmt.Printf("{\"per_second\": %f}\n", float64(n)/time.Since(begin).Seconds())
}
