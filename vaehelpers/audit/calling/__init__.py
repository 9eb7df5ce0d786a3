"""How a loss is called.

Where it stands: `files`, `targets`, `torch_model`. Its arguments and what it returns: `names`, `signatures`, `calls`,
`results`, tried by `reading`; `failures` says what to type instead. In its own framework: `frameworks`, `oracle`.
"""
