// Command etcd is the etcd server, in the version that go.mod names: the bench compares with it.
// Its own module cannot be installed by `go install`, for it replaces some of its requirements.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
