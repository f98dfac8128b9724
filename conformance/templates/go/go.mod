module example.com/my-purser-shim

go 1.19
