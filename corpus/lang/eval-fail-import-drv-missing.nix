import "/nix/store/zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz-x.drv"
