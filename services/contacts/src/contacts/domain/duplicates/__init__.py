"""Whether two records are of one person: traits, comparison, weights, estimation, clusters.

After Fellegi and Sunter: each field of a pair agrees to a degree (`comparing`); how much more
often it does so within one person than between two is its weight (`model`), estimated from the
workspace's own records without anybody's labels (`estimating`). Only pairs that share something
rare are compared at all (`blocking`). Pure: no I/O, no clock, no random.
"""
