{ }: a ? b or c
