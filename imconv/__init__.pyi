from . import net as net
from .comparison import compare as compare
from .correlation import convolve as convolve
from .correlation import correlate as correlate
from .correlation import plan as plan
from .errors import ImconvError as ImconvError
from .files import read as read
from .files import read_pages as read_pages
from .files import write as write
from .files import write_pages as write_pages
from .files.picture import Picture as Picture
from .filters.cells import gabor as gabor
from .filters.edges import edges as edges
from .filters.oriented import disk_blur as disk_blur
from .filters.oriented import emboss as emboss
from .filters.oriented import motion_blur as motion_blur
from .filters.sharpen import sharpen as sharpen
from .filters.sharpen import unsharp_mask as unsharp_mask
from .filters.smooth import box_blur as box_blur
from .filters.smooth import gaussian_blur as gaussian_blur
from .kernel import Kernel as Kernel
from .planner import Plan as Plan
from .sheet import contact_sheet as contact_sheet

__version__: str
