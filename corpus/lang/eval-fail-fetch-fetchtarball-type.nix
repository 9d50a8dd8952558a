fetchTarball 1
