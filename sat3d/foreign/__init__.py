"""Files of other programs, read without running anything that is inside them: pickles and archives of ``torch.save``.

A pickle is a program; :class:`.machine.Machine` runs the few harmless opcodes of it and turns everything else into
inert records. What a record means is said elsewhere: networks in ``generators/official``, plain weights in
:mod:`.state_dict`.
"""
