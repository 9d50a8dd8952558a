{ } -> true
