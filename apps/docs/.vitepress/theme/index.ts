import Theme from 'vitepress/theme-without-fonts';
import './figures.css';

export default Theme;
