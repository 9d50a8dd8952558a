[ 1 ].head
