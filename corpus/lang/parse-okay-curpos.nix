[ __curPos __curPos.line ]
